import { createRegistry } from '../../src/core/registry.ts';
import { loadProject } from '../../src/project.ts';
import { createOpenApi } from '../../src/rest/openapi/document.ts';
import { LIBRARY } from './projects.ts';

const { jobs } = await loadProject({ folder: LIBRARY });

/** The registry of the library's job types. */
export const libraryRegistry = createRegistry(jobs);
/** The OpenAPI document of the library, as `accepted generate` would write it. */
export const libraryDocument: unknown = JSON.parse(JSON.stringify(createOpenApi(libraryRegistry)));
