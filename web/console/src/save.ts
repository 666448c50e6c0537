/** Gives the browser a file to save. */
export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the file once the click has been dealt with.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
