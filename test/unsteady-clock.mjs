/** Preloaded into a process: SIGUSR2 sets its clock back an hour, and it says so. */
const Steady = Date
let shiftMs = 0
process.on('SIGUSR2', () => {
  shiftMs -= 60 * 60 * 1000
  process.stdout.write('the clock is set back\n')
})

globalThis.Date = class UnsteadyDate extends Steady {
  constructor(...given) {
    super(...(given.length === 0 ? [UnsteadyDate.now()] : given))
  }

  static now() {
    return Steady.now() + shiftMs
  }
}
