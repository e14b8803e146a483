/** Wraps what the browser will call, so that no error of ours ever reaches the page. */
export const guard =
  <A extends unknown[]>(run: (...args: A) => unknown) =>
  (...args: A): void => {
    try {
      run(...args);
    } catch {
      // Counting a visit is never worth an error on somebody's page.
    }
  };
