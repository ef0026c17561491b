/** Apart from the rest of the package: a server needs it only when it is asked for its document. */
export { openapiDocument } from './document.ts';
export { isOurs, queryNamesOf, type Route } from './route.ts';
export { ROUTES } from './routes.ts';
