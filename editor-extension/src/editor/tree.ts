// The list of targets and commands in its view, with the badge for failures.

import * as vscode from "vscode";

import type { Command, Fleet, FleetEvent } from "../fleet.js";
import { isFailed } from "../texts.js";
import { commandRow, Drawn, inOrder, nextChangeMs, placeRow, type Row } from "../tree.js";
import { t } from "../words.js";

export interface Node {
  readonly kind: "place" | "command";
  readonly key: string;
}

export class Tree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly #fleet: Fleet;
  readonly #view: vscode.TreeView<Node>;
  readonly #changed = new vscode.EventEmitter<Node | undefined>();
  readonly #nodes = new Map<string, Node>();
  readonly #drawn = new Drawn();
  readonly #failed = new Set<string>();
  readonly #registrations: readonly { dispose(): unknown }[];
  #timer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.#changed.event;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#view = vscode.window.createTreeView("remotecmd.commands", { treeDataProvider: this, showCollapseAll: false });
    this.#registrations = [
      this.#view,
      this.#changed,
      fleet.onEvent((event) => {
        this.#heard(event);
      }),
      this.#view.onDidChangeVisibility(({ visible }) => {
        this.#seen(visible);
      }),
      this.#view.onDidChangeSelection(({ selection }) => {
        for (const { key } of selection) this.acknowledge(key);
      }),
    ];
    if (this.#view.visible) this.#seen(true);
  }

  /** The failure of a command was noticed. */
  acknowledge(key: string): void {
    if (this.#failed.delete(key)) this.#showBadge();
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return this.#fleet.places.map(({ key }) => this.#node("place", key));
    const place = this.#fleet.places.find(({ key }) => key === node.key);
    return place === undefined ? [] : inOrder(place.commands.values()).map(({ key }) => this.#node("command", key));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const row = this.#row(node);
    if (row === undefined) return new vscode.TreeItem(node.key);
    this.#drawn.draw(row);
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(row.label, node.kind === "place" ? Expanded : None);
    item.id = row.id;
    item.description = row.description;
    item.iconPath = new vscode.ThemeIcon(
      row.icon,
      row.colour === undefined ? undefined : new vscode.ThemeColor(row.colour),
    );
    item.tooltip = new vscode.MarkdownString(row.tooltip);
    item.contextValue = row.context;
    item.accessibilityInformation = { label: row.spoken };
    if (node.kind === "command")
      item.command = { command: "remotecmd.showOutput", title: t("Show Output"), arguments: [node] };
    return item;
  }

  getParent(node: Node): Node | undefined {
    const command = node.kind === "command" ? this.#fleet.command(node.key) : undefined;
    return command === undefined ? undefined : this.#node("place", command.targetKey);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const registration of this.#registrations) registration.dispose();
  }

  #heard(event: FleetEvent): void {
    switch (event.kind) {
      case "places":
        this.#changed.fire(undefined);
        break;
      case "place": {
        const node = this.#nodes.get(event.key);
        if (node !== undefined) this.#changed.fire(node);
        break;
      }
      case "command": {
        this.#redraw(event.key);
        const command = this.#fleet.command(event.key);
        if (command !== undefined && !isFailed(command.process)) this.acknowledge(event.key);
        break;
      }
      case "ended":
        if (!event.isAsked) this.#ended(event.command);
        break;
      default:
    }
    this.#tick();
  }

  #ended({ key, process }: Command): void {
    if (!isFailed(process)) return;
    this.#failed.add(key);
    this.#showBadge();
  }

  #showBadge(): void {
    const value = this.#failed.size;
    const tooltip = value === 1 ? t("1 command failed") : t("{0} commands failed", value);
    this.#view.badge = value === 0 ? undefined : { value, tooltip };
  }

  #seen(isVisible: boolean): void {
    if (isVisible && this.#fleet.places.length > 0) void this.#fleet.refresh();
    // What failed while the list was closed is a number on its icon until it has been looked at and left.
    if (!isVisible) {
      this.#failed.clear();
      this.#showBadge();
    }
    this.#tick();
  }

  /** Ages go on, but not behind a closed curtain. */
  #tick(): void {
    clearTimeout(this.#timer);
    if (!this.#view.visible) return;
    const pause = nextChangeMs(this.#fleet.commands, Date.now());
    if (pause === undefined) return;
    this.#timer = setTimeout(() => {
      for (const { key } of this.#fleet.commands) this.#redraw(key);
      this.#tick();
    }, pause);
  }

  #redraw(key: string): void {
    const node = this.#nodes.get(key);
    const row = node && this.#row(node);
    if (node !== undefined && row !== undefined && this.#drawn.draw(row)) this.#changed.fire(node);
  }

  #row({ kind, key }: Node): Row | undefined {
    if (kind === "place") {
      const place = this.#fleet.places.find((it) => it.key === key);
      return place && placeRow(place);
    }
    const command = this.#fleet.command(key);
    const place = this.#fleet.places.find((it) => it.key === command?.targetKey);
    return command && commandRow(command, place, Date.now());
  }

  #node(kind: Node["kind"], key: string): Node {
    let node = this.#nodes.get(key);
    if (node === undefined) this.#nodes.set(key, (node = { kind, key }));
    return node;
  }
}
