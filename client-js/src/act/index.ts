export { start } from "./act.js";
