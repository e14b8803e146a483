/**
 * What makes two addresses the same page: `[path and kept query, path]`. With routes in the hash, they are part of the
 * path; the empty route is `#/`, as routers write it when they start.
 */
export const pageKey = (): readonly [whole: string, path: string] => {
  let path = location.hostname + location.pathname;
  if (__WHOLE__ && __FOOTFALL__.hash) path += location.hash || "#/";
  return [path + location.search.match(RegExp(`\\b(${__FOOTFALL__.search})=[^&]*`, "g")), path];
};
