/** How the APIs name the types of schemas that have no `.meta({ id })`. */

export function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** The name of what is about many jobs of a type: `thumbnail-sheets` becomes `ThumbnailSheets`. */
export function collectionName(collection: string): string {
  return collection.split('-').map(pascalCase).join('');
}

/** Endings of plurals, with what replaces each. The first that fits counts. */
const PLURALS: readonly (readonly [RegExp, string])[] = [
  [/(?<=[^aeiou])ies$/, 'y'],
  [/(?<=ss|x|ch|sh)es$/, ''],
  [/(?<=[^sui])s$/, ''],
];

/** The name of one item of a list: `lines` becomes `line`, `entries` `entry`, `boxes` `box`; a name without such an ending stays. */
export function singular(name: string): string {
  const [ending, replacement = ''] = PLURALS.find(([each]) => each.test(name)) ?? [];
  return ending === undefined ? name : name.replace(ending, replacement);
}
