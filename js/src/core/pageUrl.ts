/** Characters of an address that are sent; the wire takes some more. */
export const LONGEST = 8e3;

/**
 * The page's address as it is sent. The fragment stays in the browser (it may hold tokens), except where it is the
 * route or holds campaign tags; what of the query is kept, the server decides.
 */
export const pageUrl = (): string =>
  (__WHOLE__ && __FOOTFALL__.hash ? location.href : location.href.replace(/#(?!.*utm_).*/, "")).slice(0, LONGEST);
