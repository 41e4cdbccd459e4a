/** A fault in one part of the screen must not take the call or the notes away with it. */

import { Component, type ReactNode } from "react";
import i18next from "i18next";

interface Properties {
  children: ReactNode;
  /** A new value tries the part again, e.g. another card. */
  resetKey?: string;
}

interface State {
  failed: boolean;
  resetKey: string | undefined;
}

export class ErrorBoundary extends Component<Properties, State> {
  override state: State = { failed: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<State> {
    return { failed: true };
  }

  static getDerivedStateFromProps(properties: Properties, state: State): Partial<State> | null {
    if (properties.resetKey === state.resetKey) return null;
    return { failed: false, resetKey: properties.resetKey };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="empty" role="alert" data-testid="error-boundary">
        <p>{i18next.t("error.part_failed")}</p>
        <button type="button" className="button" onClick={() => this.setState({ failed: false })}>
          {i18next.t("common.retry")}
        </button>
      </div>
    );
  }
}
