import type { Part } from "../types";

/** Shows each beacon and what the collector would have made of it; its copy of the snippet sends to the preview. */
export const debug: Part = (core) => {
  core.answered = async (answer, [view, , events]) => {
    const told = await answer.json();
    events.forEach((event, place) => {
      const { fields, ...rest } = told.events?.[place] ?? told;
      console.info(`footfall: ${event.name}`, { ...view, ...event });
      console.table(fields ?? rest);
    });
  };
};
