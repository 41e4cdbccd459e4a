/**
 * What a vehicle stores to move, as a sign. Those that endanger responders stand in a filled diamond with a thick
 * edge; the words beside it say the same.
 */

import { isHazardous } from "./words";

/** In the manner of the labels of gas vehicles (UN R110, R134): letters in a diamond. */
const LETTERS: Record<string, string> = {
  hydrogenStorage: "H₂",
  compressedNaturalGas: "CNG",
  liquidPropaneGas: "LPG",
};

const BOLT = "M22.500 9l-9 13h6.500l-2.500 9 9.500-13h-6.500z";
const PUMP = "M11 30V11a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v19M9 30h16M14 13h6v5h-6zM23 20h3v6a2 2 0 0 0 4 0v-9l-4-4";
const QUESTION = "M15 15a5 5 0 1 1 7.500 4.300c-1.700 1-2.500 2-2.500 4M20 28v.3";

function Sign({ energy }: { energy: string }) {
  const letters = LETTERS[energy];
  if (letters !== undefined) {
    return (
      <text x="20" y={letters.length > 2 ? 24 : 25.500} textAnchor="middle" fontSize={letters.length > 2 ? 11 : 15}>
        {letters}
      </text>
    );
  }
  if (energy === "electricEnergyStorage") return <path className="energy-bolt" d={BOLT} />;
  return <path className="energy-line" d={energy === "otherStorage" ? QUESTION : PUMP} />;
}

export function EnergyIcon({ energy }: { energy: string }) {
  return (
    <svg
      className={`energy-icon energy-${energy}`}
      width={40}
      height={40}
      viewBox="0 0 40 40"
      aria-hidden="true"
      focusable="false"
    >
      {isHazardous(energy) && <path className="energy-diamond" d="M20 1.500L38.500 20 20 38.500 1.500 20z" />}
      <Sign energy={energy} />
    </svg>
  );
}
