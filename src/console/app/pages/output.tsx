import { useEffect, useRef } from 'preact/hooks';
import { useOutput } from '../data/use-output.ts';
import { Panel } from '../parts/panel.tsx';

/** Pixels from its end within which the output stays there when more comes. */
const NEAR_END = 40;

/** What the job's function has published, as it comes; nothing for a job without output. */
export function Output({ id, done }: { readonly id: string; readonly done: boolean }) {
  const { parts, isCut } = useOutput(id, done);
  const box = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [parts]);
  if (parts.length === 0) return null;
  return (
    <Panel title="Output">
      <div class="json">
        {/* It may scroll, which the keyboard has to reach. */}
        <pre
          ref={box}
          tabIndex={0}
          class="output"
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            atEnd.current = scrollTop + clientHeight > scrollHeight - NEAR_END;
          }}
        >
          {isCut && <span class="soft">The beginning is left out.{'\n'}</span>}
          {parts.map((part) =>
            part.kind === 'attempt' ? (
              <span key={part.key} class="restart">
                Attempt {part.attempt}
              </span>
            ) : (
              <span key={part.key} class={part.kind === 'json' ? 'value' : undefined}>
                {part.text}
              </span>
            ),
          )}
        </pre>
      </div>
    </Panel>
  );
}
