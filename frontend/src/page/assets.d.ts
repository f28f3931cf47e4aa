/** Lets a script import a style sheet; vite makes a file of it. Types alone. */
declare module "*.css";
