// SPDX-License-Identifier: Apache-2.0
/// <reference lib="dom" />

/** The colours of one scheme. */
interface Theme {
  readonly ink: string;
  readonly grid: string;
  /** By the subject of a series: the lane, or the floor. */
  readonly subjects: Readonly<Record<string, string>>;
}

/** Told apart by lightness, too, and by people who see fewer colours. */
const LIGHT: Theme = {
  ink: "#5b6675",
  grid: "#dde2e8",
  subjects: {
    ring: "#1f6feb",
    queue: "#d9730d",
    await: "#8250df",
    park: "#0f8a7e",
    json: "#a15c00",
    relay: "#0f8a7e",
    "C iceoryx": "#3d4756",
    "Rust iceoryx2": "#3d4756",
    "C copier": "#3d4756",
    "plain shared memory": "#5d9b2f",
    "bare word": "#c2298a",
    "Unix socket": "#b3261e",
  },
};
const DARK: Theme = {
  ink: "#9aa6b4",
  grid: "#2d3641",
  subjects: {
    ring: "#6aa9ff",
    queue: "#f3a24f",
    await: "#b99bff",
    park: "#4cc9bb",
    json: "#e0b06c",
    relay: "#4cc9bb",
    "C iceoryx": "#cfd6df",
    "Rust iceoryx2": "#cfd6df",
    "C copier": "#cfd6df",
    "plain shared memory": "#9bd06d",
    "bare word": "#ff86c8",
    "Unix socket": "#ff8a80",
  },
};

/** Whether the reader prefers dark pages; tells of a change. */
export const prefersDark: MediaQueryList = matchMedia("(prefers-color-scheme: dark)");

/** The colours to draw with now. */
export function theme(): Theme {
  return prefersDark.matches ? DARK : LIGHT;
}

/** The colour of a subject. */
export function colorOf(subject: string): string {
  return theme().subjects[subject] ?? theme().ink;
}
