import type { ComponentChildren } from 'preact';

/** Icons are decoration: the text beside them, or the label of their button, says what they mean. */
function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const JobsIcon = () => (
  <Icon>
    <path d="M2 4h12M2 8h12M2 12h8" />
  </Icon>
);
export const TypesIcon = () => (
  <Icon>
    <path d="M2.5 13V9M6.2 13V4M9.8 13V7M13.5 13V2.5" />
  </Icon>
);
export const SubmitIcon = () => (
  <Icon>
    <path d="M8 3v10M3 8h10" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 3.5v-1h-8v8h1" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon>
    <path d="M3 8.5l3.5 3.5L13 4.5" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z" />
  </Icon>
);
export const HelpIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="6.2" />
    <path d="M6.2 6.2a1.8 1.8 0 1 1 2.6 1.6c-.5.3-.8.6-.8 1.2M8 11.3v.2" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M4 4l8 8M12 4l-8 8" />
  </Icon>
);
export const BackIcon = () => (
  <Icon>
    <path d="M9.5 3.5L5 8l4.5 4.5" />
  </Icon>
);

/** Each status has a shape of its own, for those who do not tell the colours apart. */
export const STATUS_SHAPES = {
  PENDING: (
    <Icon>
      <circle cx="8" cy="8" r="5.5" stroke-dasharray="2.6 2.2" />
    </Icon>
  ),
  RUNNING: (
    <Icon>
      <circle cx="8" cy="8" r="5.5" class="faint" />
      <path d="M8 2.5A5.5 5.5 0 0 1 13.5 8" class="spin" />
    </Icon>
  ),
  SUCCEEDED: (
    <Icon>
      <circle cx="8" cy="8" r="6" class="fill" />
      <path d="M5.2 8.3l2 2 3.6-4.2" class="cut" />
    </Icon>
  ),
  FAILED: (
    <Icon>
      <path d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4z" class="fill" />
      <path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" class="cut" />
    </Icon>
  ),
  CANCELED: (
    <Icon>
      <circle cx="8" cy="8" r="5.5" />
      <path d="M4.2 11.8l7.6-7.6" />
    </Icon>
  ),
} as const;
