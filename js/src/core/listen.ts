import { guard } from "./guard";

/**
 * Listens on the window in the capturing phase: it hears first, also events that don't bubble (`freeze`, `scroll`) or
 * whose propagation the page stops. `types` are separated by spaces.
 */
export const listen = <E extends Event>(types: string, listener: (event: E) => void): void => {
  types.split(" ").forEach((type) => {
    addEventListener(type, guard(listener) as EventListener, true);
  });
};
