import type { Principal, Scope } from '../../src/core/caller.ts';

export function principal(id: string, scopes: readonly Scope[] = ['submit', 'read']): Principal {
  return { kind: 'principal', id, scopes: new Set(scopes) };
}
