/** Lets TypeScript accept the import of a style sheet. */
declare module "*.css";
