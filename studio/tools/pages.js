// What is photographed: addresses, and what is done on a page first.

export const shots = [
  { name: 'home', path: '/', do: async (page) => page.waitForSelector('.jobs') },
  {
    name: 'home-selected', path: '/', sizes: ['desktop', 'phone'],
    do: async (page) => {
      for (const name of ['rate 0.02', 'rate 0.02, poly', 'adam, rate 0.001']) await page.getByLabel(`Select ${name}`, { exact: true }).check();
    },
  },
  { name: 'home-menu', path: '/', sizes: ['desktop'], full: false, do: async (page) => page.getByLabel('More for autoencoder', { exact: true }).click() },
  { name: 'home-nothing', path: '/', sizes: ['desktop'], do: async (page) => page.getByLabel('Filter models').fill('resnet') },
  { name: 'home-empty', path: '/', empty: true, do: async (page) => page.waitForSelector('.steps') },
  { name: 'job', path: '/models/autoencoder', do: async (page) => page.waitForSelector('.u-over') },
  { name: 'job-zoom', path: '/models/autoencoder', sizes: ['desktop'], do: async (page) => {
    await page.waitForSelector('.u-over');
    const box = await page.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + 200, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 420, box.y + 80, { steps: 4 });
    await page.mouse.up();
    await page.mouse.move(box.x + 300, box.y + 80);
  } },
  { name: 'job-classes', path: '/models/lenet', sizes: ['desktop'], do: async (page) => { await page.getByLabel('mistakes').check(); await page.getByLabel('time').check(); } },
  { name: 'job-failed', path: '/models/sweep-autoencoder%2Fnesterov', sizes: ['desktop', 'phone'] },
  { name: 'job-waiting', path: '/models/alexnet-small', sizes: ['desktop'] },
  { name: 'new-model', path: '/models/new', do: async (page) => page.waitForSelector('text=AlexNet') },
  { name: 'new-model-error', path: '/models/new?clone=20261128-023100-1f3a', do: async (page) => {
    await page.locator('.cm-mark').waitFor();
    await page.getByLabel('Learning rate', { exact: true }).fill('0.01, 0.02');
    await page.getByLabel('Rotation, degrees').fill('10');
    await page.getByLabel('Scale, sigma').fill('0.07');
    await page.waitForTimeout(500);
  } },
  { name: 'new-model-fits', path: '/models/new?clone=autoencoder', sizes: ['desktop'], do: async (page) => page.locator('.pill.done').waitFor() },
  { name: 'new-model-branches', path: '/models/new?network=googlenet', sizes: ['desktop'] },
  { name: 'test', path: '/models/autoencoder/test?record=mnist:val:3', do: async (page) => {
    await page.locator('#m3 button').click();
    await page.locator('img.map.tiles').waitFor();
  } },
  { name: 'test-begin', path: '/models/autoencoder/test', sizes: ['desktop', 'phone'] },
  { name: 'test-jet', path: '/models/autoencoder/test?record=mnist:val:3', sizes: ['desktop'], do: async (page) => page.getByLabel('DIGITS').check() },
  { name: 'test-class', path: '/models/lenet/test?record=mnist:val:9', sizes: ['desktop', 'phone'] },
  { name: 'test-segmentation', path: '/models/outlines/test?record=outlines:val:5', sizes: ['desktop', 'phone'] },
  { name: 'test-database', path: '/models/lenet/test?kind=database', do: async (page) => {
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.locator('.matrix').waitFor();
    await page.getByRole('button', { name: 'of 9 taken for 4' }).click();
  } },
  { name: 'test-loss', path: '/models/autoencoder/test?kind=database', sizes: ['desktop'], do: async (page) => page.getByRole('button', { name: 'Test', exact: true }).click() },
  { name: 'test-top', path: '/models/lenet/test?kind=top', sizes: ['desktop', 'phone'], do: async (page) => page.getByRole('button', { name: 'Test', exact: true }).click() },
  { name: 'test-many', path: '/models/lenet/test?kind=many', sizes: ['desktop'], do: async (page) => {
    await page.locator('#list').fill('/home/ann/pictures/lists/val.txt');
    await page.locator('#folder').focus();
    await page.getByRole('button', { name: 'Test', exact: true }).click();
  } },
  { name: 'dataset', path: '/datasets/mnist', do: async (page) => {
    await page.getByRole('button', { name: 'key 00000030_', exact: false }).click();
    await page.locator('.record pre, .record .facts code').first().waitFor();
  } },
  { name: 'dataset-pairs', path: '/datasets/outlines', sizes: ['desktop'], do: async (page) => page.getByRole('button', { name: 'key 000000003' }).click() },
  { name: 'dataset-making', path: '/datasets/pets', sizes: ['desktop'] },
  { name: 'database', path: '/datasets/open?path=/home/ann/digits/datasets/mnist/train_db', sizes: ['desktop'] },
  { name: 'new-dataset', path: '/datasets/new', sizes: ['desktop', 'phone'] },
  { name: 'new-dataset-folder', path: '/datasets/new?from=folder', do: async (page) => {
    await page.getByLabel('Folder', { exact: true }).last().fill('/home/ann/pictures/pets');
    await page.getByLabel('Width').fill('96');
    await page.getByLabel('Height').fill('64');
    await page.getByLabel('Seed').focus();
    await page.locator('.samples').waitFor();
  } },
  { name: 'new-dataset-databases', path: '/datasets/new?from=databases', sizes: ['desktop', 'phone'], do: async (page) => {
    await page.getByLabel('Train images').fill('/home/ann/digits/datasets/mnist/train_db');
    await page.getByLabel('Validation images').fill('/home/ann/digits/datasets/mnist/val_db');
    await page.getByLabel('Name').focus();
    await page.locator('.db').first().waitFor();
  } },
  { name: 'new-dataset-pairs', path: '/datasets/new?from=pairs', sizes: ['desktop'], do: async (page) => {
    await page.getByLabel('Inputs').first().fill('/home/ann/pictures/outlines/input');
    await page.getByLabel('Labels', { exact: true }).first().fill('/home/ann/pictures/outlines/target');
    await page.getByLabel('Seed').focus();
    await page.locator('.samples').waitFor();
  } },
  { name: 'new-dataset-lists', path: '/datasets/new?from=lists', sizes: ['desktop'], do: async (page) => page.getByLabel('Train list', { exact: true }).fill('/home/ann/pictures/') },
  { name: 'new-dataset-wrong', path: '/datasets/new?from=folder', sizes: ['desktop'], do: async (page) => {
    await page.getByLabel('Folder', { exact: true }).last().fill('/home/ann/missing');
    await page.getByLabel('Seed').focus();
  }, wait: 900 },
  { name: 'compare', path: '/compare?job=autoencoder&job=sweep-autoencoder%2Flr0.02&job=sweep-autoencoder%2Flr0.02-poly&job=sweep-autoencoder%2Fadam', do: async (page) => page.locator('.differs').waitFor() },
  { name: 'compare-empty', path: '/compare', sizes: ['desktop'] },
  { name: 'missing', path: '/nowhere' },
];
