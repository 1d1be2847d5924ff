import { monacoWith } from "../monaco";

monacoWith(true);
