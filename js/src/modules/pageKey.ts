/**
 * What makes two addresses the same page: `[path, path and kept query]`. With routes in the hash, they are part of the
 * path; the empty route is `#/`, as routers write it when they start.
 */
export const pageKey = (): readonly [path: string, whole: string] => {
  const path = location.hostname + location.pathname + (__FOOTFALL__.hash ? location.hash || "#/" : "");
  return [path, path + location.search.match(RegExp(`\\b(${__FOOTFALL__.query})=[^&]*`, "g"))];
};
