import Script from "next/script";

export const metadata = { title: "First" };

/** The recipe of docs/recipes.md. */
export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Script src="/js/site.js" strategy="afterInteractive" />
      </body>
    </html>
  );
}
