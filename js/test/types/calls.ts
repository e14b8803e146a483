/** Compiled by the checks and never run: what the published types allow, and what they refuse. */
import { footfall, install, type Shown } from "../../npm/index";

declare module "../../npm/index" {
  interface Events {
    signup: { plan: "free" | "pro"; revenue?: number };
  }
}

install("https://stats.example/js/key.js");
footfall("signup", { props: { plan: "pro", revenue: 4900 } });
footfall("anything", { props: { any: 1, other: "x", none: null } });
footfall("anything");
// @ts-expect-error: the plan is not one of the declared
footfall("signup", { props: { plan: "gold" } });
// @ts-expect-error: a property must be a scalar
footfall("anything", { props: { list: [1] } });
footfall.consent({ statistics: true, ads: false });
// @ts-expect-error: there is no such purpose
footfall.consent({ marketing: true });
footfall.optOut();
footfall.optOut(false);
footfall.page();
export const shown: Promise<Shown[]> = footfall.show();
