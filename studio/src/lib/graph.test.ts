// Tests of the graph's layout.

import { expect, it } from 'vitest';
import type { Graph, GraphNode } from './api';
import { amounts, FULL, isChain, layout, SMALL } from './graph';

const node = (id: number, output: number[] = [1]): GraphNode => ({ id, path: String(id), class: 'nn.X', label: 'nn.X', line: id, output, parameters: 0, flops: null, state: 'ok' });
const edges = (pairs: [number, number][]) => pairs.map(([from, to]) => ({ from, to, label: null, error: null }));
const straight: Graph = { input: [4], nodes: [node(1, [4]), node(2, [1]), node(3, [2])], edges: edges([[0, 1], [1, 2], [2, 3]]) };
const branched: Graph = { input: [1], nodes: [1, 2, 3, 4].map((id) => node(id)), edges: edges([[0, 1], [1, 2], [1, 3], [2, 4], [3, 4]]) };

it('puts a chain in a column, in order, nothing overlapping', () => {
  const { nodes, edges: drawn, height } = layout(straight, FULL);
  expect(isChain(straight)).toBe(true);
  expect(nodes.map((one) => one.y)).toEqual([26, 82, 138]);
  expect(new Set(nodes.map((one) => one.x)).size).toBe(1);
  expect(drawn).toHaveLength(3);
  expect(height).toBeGreaterThanOrEqual(138 + FULL.height);
  expect(layout(straight, SMALL).edges).toHaveLength(2);
});

it('puts branches side by side and joins them below', () => {
  const { nodes } = layout(branched, FULL);
  const at = (id: number) => nodes.find((one) => one.node.id === id)!;
  expect(isChain(branched)).toBe(false);
  expect(at(2).y).toBe(at(3).y);
  expect(Math.abs(at(2).x - at(3).x)).toBeGreaterThanOrEqual(at(2).width);
  expect(at(4).y).toBeGreaterThan(at(2).y + FULL.height);
});

it('measures values against the most', () => {
  expect([...amounts(straight).values()]).toEqual([1, 0.5, Math.sqrt(0.5)]);
});

it('survives an empty network', () => {
  expect(layout({ input: null, nodes: [], edges: [] }, FULL).nodes).toEqual([]);
});
