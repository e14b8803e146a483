import type { Choice, Extra, Part, WireEvent } from "../types";

/** What waited longer before the choice is dropped, ms; and how many beacons may. */
const PATIENCE = 3e5;
const MOST = 50;

/** The public function's methods. Each call goes through the stub's list, so that every snippet on the page hears it. */
export const api: Part = (core) => {
  const { config, extra, waiting, commands } = core;
  const { footfall } = window;
  const held = config.unchosen === "hold";
  Object.assign(commands, {
    $consent: ({ visitor, ...choice }: Choice) => {
      const before = extra.consent;
      extra.consent = { version: config.version, ...before, ...choice } as NonNullable<Extra["consent"]>;
      const { statistics } = extra.consent;
      extra.visitor = statistics ? (visitor ?? extra.visitor) : undefined;
      if (held) {
        // After a refusal nothing of before may go, whatever is chosen later.
        if (!statistics || before?.statistics === false) waiting.length = 0;
        if (extra.hold) {
          while ((waiting[0]?.[2][0] as WireEvent)?.at < Date.now() - PATIENCE) waiting.shift();
          waiting.splice(MOST);
        }
        extra.hold = !statistics || undefined;
      }
      core.chosen();
      core.flush();
    },
    $ignoreMe: commands.$optOut,
    $page: core.again,
  });
  Object.keys(commands).forEach((name) => {
    (footfall as unknown as Record<string, unknown>)[name.slice(1)] = (value: never) => footfall(name, value);
  });

  footfall.show = () => import(`${config.url}/../js/${config.site}.show.js`).then(({ show }) => show(core));

  if (held) extra.hold = held;
};
