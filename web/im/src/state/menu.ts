/** The one menu of the page: opened at a pointer or an element, for whatever stands there. */

import type { MenuItem } from '@anser/ui';
import { shallowReactive } from 'vue';

export const menu = shallowReactive({ isOpen: false, x: 0, y: 0, label: '', items: [] as MenuItem[] });

let opener: HTMLElement | undefined;

export function openMenu(event: MouseEvent, label: string, items: MenuItem[]): void {
  event.preventDefault();
  const at = event.currentTarget as HTMLElement;
  opener = at;
  const box = at.getBoundingClientRect();
  // A click by keyboard has no place: the menu opens at its button.
  const isByPointer = event.type === 'contextmenu' && event.clientX + event.clientY > 0;
  Object.assign(menu, {
    isOpen: true,
    x: isByPointer ? event.clientX : box.left,
    y: isByPointer ? event.clientY : box.bottom,
    label,
    items,
  });
}

/** The focus goes back to where the menu came from. */
export function menuClosed(): void {
  opener?.focus({ preventScroll: true });
  opener = undefined;
}
