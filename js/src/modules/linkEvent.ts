/** The pieces of a link that decide what following it means. */
type Link = Pick<HTMLAnchorElement, "protocol" | "hostname" | "pathname" | "hasAttribute">;

/** The event's name for a followed link: `tel`, `mailto`, `download` or `outbound`; false if it is none of these. */
export const linkEvent = (link: Link): string | false => {
  // Parts ask of any element.
  const kind = (__WHOLE__ ? link.protocol?.replace(/s?:/, "") : link.protocol.replace(/s?:/, "")) as string;
  return kind !== "http"
    ? /^(tel|mailto)$/.test(kind) && kind
    : link.hasAttribute("download") || RegExp(`\\.(${__FOOTFALL__.download})$`, "i").test(link.pathname)
      ? "download"
      : link.hostname.replace(/^www\./, "") !== location.hostname.replace(/^www\./, "") && "outbound";
};
