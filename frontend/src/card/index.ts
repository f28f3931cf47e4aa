/** The pages around the calendar, which are forms: signing in, an invitation. They work without this, and are sent once with it. */
import { guardForms } from "../page/dom/sending";

guardForms();
