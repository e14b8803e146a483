import Link from "next/link";

export const metadata = { title: "Second" };

export default function Second() {
  return (
    <main>
      <Link id="one" href="/">
        One
      </Link>
    </main>
  );
}
