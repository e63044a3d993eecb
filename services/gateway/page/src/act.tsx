// A small button that is a picture; what cannot be done says why, on hover and to a screen reader.

import { Icon, type IconName } from "./icons.tsx";
import type { Hindrance } from "./roles.ts";

interface Props {
  icon: IconName;
  label: string;
  hindrance: Hindrance;
  onPress: () => void;
}

export function Act({ icon, label, hindrance, onPress }: Props) {
  const words = hindrance === null ? label : `${label}: ${hindrance}`;
  return (
    <button
      type="button"
      class="quiet"
      aria-label={words}
      title={words}
      disabled={hindrance !== null}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}
