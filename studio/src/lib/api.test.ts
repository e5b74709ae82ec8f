// Tests of what errors are called.

import { expect, it } from 'vitest';
import { ApiError, errorPage } from './api';

it('calls a mistake of the page no connection', () => {
  expect(errorPage(new TypeError('x is null'))).toMatchObject({ title: 'this page', message: 'x is null' });
  const page = errorPage(new ApiError(0, errorPage('nothing answers')));
  expect(page.message).toBe('nothing answers');
  expect(errorPage(new ApiError(400, { ...page, title: 'usage', help: 'give a smaller --batch-size' }))).toMatchObject({ title: 'usage', help: 'give a smaller Batch size' });
});
