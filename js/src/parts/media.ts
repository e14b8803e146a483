import type { Elements, Part } from "../types";

/** Records that media was played: start, quarters, end. Time with it counts as time with the page. */
export const media: Part<Elements> = (core) => {
  const playing = new Set<EventTarget>();
  core.listen("play pause ended timeupdate emptied", ({ type, target }) => {
    const player = target as HTMLMediaElement;
    const { currentSrc } = player;
    playing[player.paused ? "delete" : "add"](player);
    core.playing = playing.size;
    const quarter = ((4 * player.currentTime) / player.duration) | 0;
    const method = /^(play|ended)/.test(type) ? type : quarter % 4 && "progress";
    // Decoration that plays by itself, over and over, is nothing that anybody plays.
    if (method && !(player.muted && player.loop) && core.fresh(currentSrc + method + quarter)) {
      core.emit("video", {
        target: core.describe(player, true).target || currentSrc.replace(/.*\/|[?#].*/g, ""),
        method,
        progress: 25 * quarter,
      });
    }
  });
};
