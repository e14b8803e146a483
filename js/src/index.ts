import { guard } from "./core/guard";
import { start } from "./core/start";

if (__WHOLE__) guard(start)(__FOOTFALL_PARTS__);
else guard(start)();
