import { monacoWith } from "../monaco";

monacoWith(false);
