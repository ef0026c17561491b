import { existsSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { closeAll, NO_NETWORK, openTest, run, shown, specOf, tempFolder, text } from './workspace.test-support.ts';

afterAll(closeAll);

const refusedPath = { code: 'workspace_path_refused' };
const overQuota = { code: 'workspace_quota_exceeded' };

async function open(given: Parameters<typeof openTest>[0] = {}) {
  const workspaces = await openTest(given);
  const workspace = await workspaces.open(specOf());
  return { workspaces, workspace, root: join(workspaces.folder, 'default', 'env_1', 'root') };
}

describe('files of a workspace', () => {
  it('are written, read, listed and removed', async () => {
    const { workspace } = await open();
    await workspace.write('a/b.txt', text('one'));
    await workspace.write('/workspace/a/b.txt', text('two'));
    await workspace.write('a/c/d.txt', text('three'));
    await workspace.write('a-b', text('four'));
    expect(shown(await workspace.read('a/b.txt', 3))).toBe('two');
    expect(await workspace.read('a/none', 3)).toBeNull();
    const paths = async (...[path, after, limit]: [string, string | null, number]) =>
      (await workspace.list(path, after, limit)).map(file => file.path);
    expect(await paths('', null, 10)).toEqual(['a/b.txt', 'a/c/d.txt', 'a-b']);
    expect(await paths('', 'a/b.txt', 1)).toEqual(['a/c/d.txt']);
    expect(await paths('a', 'a/b.txt', 10)).toEqual(['a/c/d.txt']);
    expect(await paths('none', null, 10)).toEqual([]);
    expect(await workspace.remove('a/b.txt')).toBe(true);
    expect(await workspace.remove('a/b.txt')).toBe(false);
    await expect(workspace.remove('a')).rejects.toMatchObject(refusedPath);
  });

  it('are bounded: what is read, and what all hold', async () => {
    const { workspace } = await open({ limits: { bytes: 64 * 1024, files: 5 } });
    await workspace.write('a', text('four'));
    await expect(workspace.read('a', 3)).rejects.toMatchObject({ code: 'workspace_file_too_large' });
    await workspace.write('b', new Uint8Array(60 * 1024));
    await expect(workspace.write('c', new Uint8Array(4097))).rejects.toMatchObject(overQuota);
    // What is replaced makes room.
    await workspace.write('b', new Uint8Array(32 * 1024));
    for (const name of ['c', 'd', 'e']) await workspace.write(name, text('x'));
    await expect(workspace.write('f', text('x'))).rejects.toMatchObject(overQuota);
    expect(await workspace.read('f', 10)).toBeNull();
  });

  it('WS1: are never reached by a path that leads out, or over a link', async () => {
    const { workspace, root } = await open();
    const outside = tempFolder();
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(join(outside, 'secret'), join(root, 'file'));
    symlinkSync(outside, join(root, 'folder'));
    symlinkSync(join(outside, 'new'), join(root, 'dangling'));
    // The attack is one: whoever follows links is led out.
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('secret');
    for (const path of [
      'file',
      'folder/secret',
      '../env_1/root/x',
      'a/../../x',
      '/etc/passwd',
      '/workspace/../x',
      'a\0b',
      'x'.repeat(256),
      'a/'.repeat(65),
    ])
      await expect(workspace.read(path, 100), path).rejects.toMatchObject(refusedPath);
    await expect(workspace.write('folder/new', text('x'))).rejects.toMatchObject(refusedPath);
    await expect(workspace.remove('folder/secret')).rejects.toMatchObject(refusedPath);
    await expect(workspace.list('folder', null, 10)).rejects.toMatchObject(refusedPath);
    await expect(
      workspace.exec({
        command: 'true',
        cwd: 'folder',
        timeoutMs: 1000,
        signal: new AbortController().signal,
        show: () => undefined,
      }),
    ).rejects.toMatchObject(refusedPath);
    expect(await workspace.list('', null, 10)).toEqual([]);
    // A write replaces the link, not what it points to.
    await workspace.write('file', text('mine'));
    await workspace.write('dangling', text('mine'));
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(shown(await workspace.read('file', 10))).toBe('mine');
  });

  it('WS1: are not reached outside while a command swaps a folder for a link', async () => {
    const { workspace, workspaces } = await open({ isolation: 'preferred' });
    if (workspaces.isolation !== 'bubblewrap') return;
    const outside = tempFolder();
    const stop = new AbortController();
    const swap = `while (1) { unlink "d/f"; rmdir "d"; unlink "d"; symlink("${outside}", "d"); unlink "d"; mkdir "d"; select(undef, undef, undef, 0.0002) }`;
    const swapping = run(workspace, `perl -e '${swap}'`, { signal: stop.signal });
    let wrote = 0;
    for (let i = 0; i < 120; i++)
      await workspace.write('d/f', text('x')).then(
        () => wrote++,
        () => undefined,
      );
    stop.abort();
    await swapping;
    expect(readdirSync(outside)).toEqual([]);
    expect(wrote).toBeGreaterThan(0);
  });

  it('hold no reader up: pipes and folders are refused', async () => {
    const { workspace } = await open();
    await run(workspace, 'mkfifo pipe; mkdir folder');
    for (const path of ['pipe', 'folder', ''])
      await expect(workspace.read(path, 10)).rejects.toMatchObject(refusedPath);
    await expect(workspace.write('folder', text('x'))).rejects.toMatchObject(refusedPath);
  });

  it('WS5: are those of one tenant and one workspace', async () => {
    const { workspaces, workspace } = await open();
    await workspace.write('a', text('mine'));
    const others = [specOf('env_2'), specOf('env_1', { tenant: 'other' })];
    for (const spec of others) expect(await (await workspaces.open(spec)).read('a', 10)).toBeNull();
    for (const id of ['..', '.trash', 'a/b', '', 'x'.repeat(129)]) {
      await expect(workspaces.open(specOf(id))).rejects.toMatchObject({ code: 'invalid_request' });
      await expect(workspaces.destroy(specOf('x', { tenant: id }).tenant, 'env_1')).rejects.toMatchObject({
        code: 'invalid_request',
      });
    }
  });

  it('are there again after a restart, and gone once destroyed', async () => {
    const { workspaces, workspace } = await open();
    await workspace.write('a', text('kept'));
    await run(
      workspace,
      'mkdir closed && touch closed/x && chmod 0 closed; d=d; for i in $(seq 60); do mkdir $d; cd $d; done',
    );
    const { folder } = workspaces;
    const again = await openTest({ folder });
    expect(shown(await (await again.open(specOf())).read('a', 10))).toBe('kept');
    await again.destroy(specOf().tenant, 'env_1');
    expect(existsSync(join(folder, 'default', 'env_1'))).toBe(false);
    expect(readdirSync(join(folder, '.trash'))).toEqual([]);
    expect(await (await again.open(specOf())).read('a', 10)).toBeNull();
  });
});

describe('snapshots', () => {
  it('bring back what was there', async () => {
    const { workspace, root } = await open();
    await workspace.write('a/b', text('old'));
    await run(workspace, 'ln -s a/b link; chmod 750 a/b; chmod u+s a/b');
    const snapshot = await workspace.snapshot();
    await workspace.write('a/b', text('new'));
    await workspace.write('c', text('new'));
    await workspace.restore(snapshot);
    expect(shown(await workspace.read('a/b', 10))).toBe('old');
    expect(await workspace.read('c', 10)).toBeNull();
    expect(statSync(join(root, 'a/b')).mode & 0o7777).toBe(0o750);
    expect((await run(workspace, 'cat link && echo more >> a/b')).output).toBe('old');
    await expect(workspace.restore('none')).rejects.toMatchObject({ code: 'snapshot_not_found' });
    await expect(workspace.restore('../root')).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('are as many as may be, and none while a command runs', async () => {
    const { workspace } = await open({ limits: { snapshots: 1 } });
    await workspace.snapshot();
    await expect(workspace.snapshot()).rejects.toMatchObject(overQuota);
    const stop = new AbortController();
    let begun = (): void => undefined;
    const ready = new Promise<void>(resolve => (begun = resolve));
    const running = run(workspace, 'echo ready; sleep 20', { signal: stop.signal, show: () => begun() });
    await ready;
    await expect(workspace.snapshot()).rejects.toMatchObject({ code: 'workspace_busy' });
    stop.abort();
    expect(await running).toMatchObject({ ended: 'aborted', exitCode: null });
  });

  it('WS3: a restore that was cut leaves the old files', async () => {
    const { workspace, workspaces, root } = await open();
    await workspace.write('a', text('old'));
    renameSync(root, join(root, '..', 'previous'));
    expect(shown(await (await workspaces.open(specOf())).read('a', 10))).toBe('old');
  });
});

describe('commands', () => {
  it('show what they print as it comes, and end with their code', async () => {
    const { workspace } = await open();
    let shownText = '';
    const result = await run(workspace, 'echo one; echo two >&2; exit 7', { show: part => (shownText += part) });
    expect(result).toMatchObject({ exitCode: 7, ended: 'exit', output: 'one\ntwo\n', refusedHosts: [] });
    expect(shownText).toBe('one\ntwo\n');
  });

  it('keep the beginning and the end of a long output', async () => {
    const { workspace } = await open({ limits: { outputBytes: 1024 } });
    const { output, ended } = await run(workspace, 'for i in $(seq 1 999); do echo "line $i"; done');
    expect(ended).toBe('exit');
    expect(output.length).toBeLessThan(1100);
    expect(output).toMatch(/^line 1\nline 2\n[^]*\n\[\d+ bytes left out\]\n[^]*line 999\n$/);
  });

  it('see the variables of the environment, and where they run', async () => {
    const { workspaces } = await open();
    const workspace = await workspaces.open(specOf('env_1', { env: { FOO: 'a b' } }));
    await workspace.write('d/x', text(''));
    expect((await run(workspace, 'echo "$FOO $PWD"', { cwd: 'd' })).output).toBe('a b /workspace/d\n');
    for (const env of [{ 'A=B': 'x' }, { A: 'a\0b' }, { A: 'x'.repeat(65_537) }])
      await expect(workspaces.open(specOf('env_1', { env }))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('are ended over the quota even if they end before anybody looks', async () => {
    const { workspace } = await open({ limits: { bytes: 1024 * 1024, watchMs: 60_000 } });
    const result = await run(workspace, 'head -c 3000000 /dev/zero > big');
    expect(result).toMatchObject({ ended: 'quota', output: expect.stringContaining('over the quota') });
    // What is over may be removed.
    expect(await run(workspace, 'rm big')).toMatchObject({ ended: 'exit', exitCode: 0 });
  });

  it('wait their turn, and leave it when they are aborted', async () => {
    const { workspace } = await open({ limits: { commands: 1 } });
    const stop = new AbortController();
    let begun = (): void => undefined;
    const ready = new Promise<void>(resolve => (begun = resolve));
    const first = run(workspace, 'echo ready; sleep 20', { signal: stop.signal, show: () => begun() });
    await ready;
    const second = run(workspace, 'echo second');
    const third = run(workspace, 'echo third', { signal: AbortSignal.timeout(50) });
    expect(await third).toMatchObject({ ended: 'aborted', output: '' });
    stop.abort();
    expect((await first).ended).toBe('aborted');
    expect((await second).output).toBe('second\n');
  });

  it('end with their workspace, and with the server', async () => {
    const { workspaces, workspace } = await open();
    let begun = (): void => undefined;
    const ready = new Promise<void>(resolve => (begun = resolve));
    const running = run(workspace, 'echo ready; sleep 20', { show: () => begun() });
    await ready;
    await workspaces.destroy(specOf().tenant, 'env_1');
    expect((await running).ended).toBe('aborted');
    const other = await workspaces.open(specOf('env_2'));
    const another = run(other, 'sleep 20');
    await workspaces.close();
    expect((await another).ended).toBe('aborted');
    await expect(workspaces.open(specOf())).rejects.toMatchObject({ code: 'server_draining' });
  });
});

describe('isolation', () => {
  it('WS4: is demanded or nothing runs', async () => {
    const users = { first: 4_000_000_000, count: 500_000_000 };
    const workspaces = await openTest({ isolation: 'required', users });
    if (process.getuid?.() !== 0) return;
    expect(workspaces).toMatchObject({ isolation: 'unavailable', why: expect.stringContaining('users') });
    const workspace = await workspaces.open(specOf());
    await workspace.write('a', text('x'));
    await expect(run(workspace, 'true')).rejects.toMatchObject({ code: 'isolation_unavailable' });
  });

  it('is an interpreter where there is no other', async () => {
    const workspaces = await openTest({ isolation: 'none' });
    expect(workspaces).toMatchObject({ isolation: 'just-bash', why: 'workspaces.isolation is none' });
    const workspace = await workspaces.open(specOf('env_1', { env: { FOO: 'bar' } }));
    const outside = tempFolder();
    writeFileSync(join(outside, 'secret'), 'secret');
    await workspace.write('a', text('one\n'));
    symlinkSync(join(outside, 'secret'), join(workspaces.folder, 'default', 'env_1', 'root', 'link'));
    const result = await run(
      workspace,
      `cat a | tr o O; echo $FOO; cat ${outside}/secret link; /usr/bin/id; echo x > b; exit 5`,
    );
    expect(result).toMatchObject({ ended: 'exit', exitCode: 5 });
    expect(result.output).toContain('One\n');
    expect(result.output).toContain('bar\n');
    expect(result.output).not.toContain('secret\n');
    expect(result.output).not.toContain('uid=');
    expect(shown(await workspace.read('b', 10))).toBe('x\n');
    expect(await run(workspace, 'sleep 20', { timeoutMs: 1500 })).toMatchObject({ ended: 'timeout', exitCode: null });
  });

  it('gives no more network than the operator allows', async () => {
    const workspaces = await openTest({ network: { most: 'restricted' } });
    await workspaces.open(specOf('env_1', { network: { ...NO_NETWORK, access: 'restricted' } }));
    await expect(
      workspaces.open(specOf('env_1', { network: { ...NO_NETWORK, access: 'enabled' } })),
    ).rejects.toMatchObject({ code: 'network_not_offered' });
  });
});
