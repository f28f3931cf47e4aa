/** Keeps forms from being sent twice, on the pages that consist of one form (signing in, an invitation). */
import { guardForms } from "../page/dom/sending";

guardForms();
