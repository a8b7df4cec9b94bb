/** Told what a server does, to be counted. Called amid the work: it is quick, and never throws. */
export interface RequestObserver {
  /** A request was answered; `route`: its template, undefined where there is none for its path. */
  requestAnswered(method: string, route: string | undefined, status: number, seconds: number): void
}
