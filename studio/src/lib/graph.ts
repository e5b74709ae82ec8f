// Where the nodes of a network's graph stand: a chain as a column, anything else by dagre.

import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode } from './api';

export interface Measure {
  width: number;
  height: number;
  /** Between layers; an edge's label stands there. */
  gap: number;
  /** Room above the first node, for the input's shape. */
  top: number;
}

export const FULL: Measure = { width: 260, height: 38, gap: 18, top: 26 };
export const SMALL: Measure = { width: 192, height: 24, gap: 10, top: 8 };

export interface PlacedNode {
  node: GraphNode;
  x: number;
  y: number;
  width: number;
}

export interface PlacedEdge {
  edge: GraphEdge;
  /** An SVG path. */
  path: string;
  /** Where its label begins. */
  label: { x: number; y: number };
}

export interface Layout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

/** Whether every node has one way in and one way out. */
export function isChain(graph: Graph): boolean {
  const [from, to] = [new Set<number>(), new Set<number>()];
  for (const edge of graph.edges) {
    if (from.has(edge.from) || to.has(edge.to)) return false;
    from.add(edge.from);
    to.add(edge.to);
  }
  return true;
}

export function layout(graph: Graph, measure: Measure): Layout {
  return isChain(graph) ? chain(graph, measure) : layered(graph, measure);
}

function chain(graph: Graph, { width, height, gap, top }: Measure): Layout {
  const place = new Map<number, PlacedNode>();
  const nodes = graph.nodes.map((node, i) => {
    const placed = { node, x: 0, y: top + i * (height + gap), width };
    place.set(node.id, placed);
    return placed;
  });
  const middle = width / 2;
  const edges = graph.edges.flatMap((edge): PlacedEdge[] => {
    const to = place.get(edge.to);
    if (!to) return [];
    const from = place.get(edge.from);
    const begin = from ? from.y + height : top - 11;
    if (!from && top < 20) return [];
    return [{ edge, path: `M${middle} ${begin}V${to.y}`, label: { x: middle + 8, y: (begin + to.y) / 2 + 4 } }];
  });
  return { width, height: top + nodes.length * (height + gap) - gap + 4, nodes, edges };
}

function layered(graph: Graph, { width, height, gap, top }: Measure): Layout {
  const wide = graph.nodes.length > 3 ? Math.round(width * 0.72) : width;
  const tree = new dagre.graphlib.Graph({ multigraph: true });
  tree.setGraph({ rankdir: 'TB', nodesep: 12, ranksep: gap + 6, marginx: 2, marginy: top });
  tree.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) tree.setNode(String(node.id), { width: wide, height });
  graph.edges.forEach((edge, i) => edge.from !== 0 && tree.setEdge(String(edge.from), String(edge.to), {}, String(i)));
  dagre.layout(tree);
  const nodes = graph.nodes.map((node) => {
    const { x, y } = tree.node(String(node.id));
    return { node, x: x - wide / 2, y: y - height / 2, width: wide };
  });
  const edges = graph.edges.flatMap((edge, i): PlacedEdge[] => {
    if (edge.from === 0) {
      const to = tree.node(String(edge.to));
      const end = to.y - height / 2;
      return top < 20 ? [] : [{ edge, path: `M${to.x} ${end - 11}V${end}`, label: { x: to.x + 8, y: end - 2 } }];
    }
    const points = tree.edge({ v: String(edge.from), w: String(edge.to), name: String(i) }).points as { x: number; y: number }[];
    const middle = points[Math.floor(points.length / 2)]!;
    return [{ edge, path: smoothPath(points), label: { x: middle.x + 6, y: middle.y + 4 } }];
  });
  const size = tree.graph() as { width?: number; height?: number };
  return { width: size.width ?? wide, height: size.height ?? height, nodes, edges };
}

/** Through the points, with round corners. */
function smoothPath(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${first.x} ${first.y}`;
  for (let i = 0; i < rest.length - 1; i++) {
    const [at, next] = [rest[i]!, rest[i + 1]!];
    path += `Q${at.x} ${at.y} ${(at.x + next.x) / 2} ${(at.y + next.y) / 2}`;
  }
  const last = rest.at(-1) ?? first;
  return `${path}L${last.x} ${last.y}`;
}

/** The length of a node's bar, 0..1: its values in one sample against the most of any node. */
export function amounts(graph: Graph): Map<number, number> {
  const size = (sizes: number[] | null) => (sizes ? sizes.reduce((a, b) => a * b, 1) : 0);
  const most = Math.max(size(graph.input), ...graph.nodes.map((node) => size(node.output)), 1);
  // A square root, or a code of 50 beside an image of 150,528 would be no line at all.
  return new Map(graph.nodes.map((node) => [node.id, Math.sqrt(size(node.output) / most)]));
}
