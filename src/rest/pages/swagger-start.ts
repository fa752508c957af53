/**
 * The script that starts Swagger UI. A file of its own, because the page's policy allows no script inside it. Without a
 * validator Swagger UI asks nobody else about the document.
 */
export const SWAGGER_START = `'use strict';
const place = document.getElementById('reference');
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  syntaxHighlight: { activated: true },
});
`;
