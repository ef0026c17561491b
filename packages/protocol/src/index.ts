export * from './errors.ts';
export * from './json.ts';
export * from './limits.ts';
export * from './perdure-error.ts';
export * from './responses/events.ts';
export * from './responses/items.ts';
export * from './responses/resource.ts';
export * from './responses/settings.ts';
