/** The script of the pages that are one form (sign in, invitation): it keeps a form from being sent twice. */
import { guardForms } from "../page/dom/sending";

guardForms();
