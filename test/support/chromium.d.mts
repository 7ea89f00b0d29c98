export function findChromium(): string | undefined;
export function chromiumOrInstall(): string;
