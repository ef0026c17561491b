/** Preloaded into servers: a program that begins anew after a crash is not told of the calls that it made before, and makes them again (J1, L6 broken). */
import { changeSources } from './change-source.ts';

changeSources([
  [
    '/engine/programs/program-journal.ts',
    source =>
      source
        .replace('export class ProgramJournal {', 'let begun = Infinity;\nexport class ProgramJournal {')
        .replace(
          '    this.#engine = engine;\n',
          '    this.#engine = engine;\n    begun = Math.min(begun, Date.now());\n',
        )
        .replace(
          '  #take(event: LogEvent): void {\n',
          '  #take(event: LogEvent): void {\n    if (event.at < begun) return;\n',
        ),
  ],
  [
    '/session/reduce-tool.ts',
    source =>
      source.replace('return index === (calling.made ?? 0) ? null', 'return index <= (calling.made ?? 0) ? null'),
  ],
]);
