import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../deploy/systemd');
const ANALYZE = '/usr/bin/systemd-analyze';
/** Of 100; a service without restrictions has 96. */
const MAX_EXPOSURE = 20;

// Where there is no systemd, nothing can say whether a unit is right.
describe.runIf(existsSync(ANALYZE)).each(['api', 'worker'])('the unit of the %s', (role) => {
  it('is valid, restricted, and leaves time to drain', () => {
    const text = readFileSync(join(FOLDER, `accepted-${role}.service`), 'utf8');
    const folder = mkdtempSync(join(tmpdir(), 'accepted-unit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, `accepted-${role}.service`);
    // The program must be there.
    writeFileSync(file, text.replace('/usr/bin/node ', `${process.execPath} `));
    const verified = spawnSync(ANALYZE, ['verify', '--man=no', file], { encoding: 'utf8' });
    expect(verified).toMatchObject({ status: 0, stderr: '' });
    const secured = spawnSync(ANALYZE, ['security', '--offline=yes', `--threshold=${MAX_EXPOSURE}`, file]);
    expect(secured.status).toBe(0);
    expect(text).toContain(`dist/main.js ${role}\n`);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(10);
  });
});
