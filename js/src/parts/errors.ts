import type { Part } from "../types";

const LONGEST = 300;

/**
 * Records errors of the page's scripts, each once in a page view. A browser tells nothing but "Script error." of
 * scripts from other hosts that don't allow it; those stand for themselves, without file and stack.
 */
export const errors: Part = (core) => {
  core.listen<ErrorEvent & PromiseRejectionEvent>("error unhandledrejection", (event) => {
    const { error, reason, filename, lineno } = event;
    const failure = error ?? reason ?? event.message;
    // What stands behind a question mark can be anybody's.
    const message = String(failure?.message ?? failure).replace(/\?\S*/g, "");
    const stack = failure?.stack as string | undefined;
    const source = filename ? `${filename}:${lineno}` : /http\S+?\w\/\S*?:\d+/.exec(stack as string)?.[0];
    // Browsers say this of a page that is merely slow to settle.
    if (failure && !/^Resize/.test(message) && core.fresh(message + (source as string))) {
      core.emit("js_error", {
        message: message.slice(0, LONGEST),
        source: source?.slice(-LONGEST),
        // Groups equal errors; far too few bits to tell a person.
        stack: stack && [...stack].reduce((sum, one) => ((sum * 33) ^ one.charCodeAt(0)) >>> 0, 0).toString(36),
      });
    }
  });
};
