/** A build of plain files, so that any server can serve it. */
export default { output: "export", reactStrictMode: true, allowedDevOrigins: ["shop.example"] };
