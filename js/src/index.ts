import { guard } from "./core/guard";
import { start } from "./core/start";

guard(start)(__WHOLE__ ? __FOOTFALL_PARTS__ : []);
