/**
 * Preloaded by `--import`: writes the URL of each module of OpenTelemetry that the process loads to standard error. With HIDE_PACKAGE, that
 * package is not found, as if it were not installed.
 */
import { registerHooks } from 'node:module';

const hidden = process.env['HIDE_PACKAGE'];

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === hidden)
      throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' });
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    if (url.includes('/@opentelemetry/')) process.stderr.write(`loaded ${url}\n`);
    return nextLoad(url, context);
  },
});
