declare const __APP__: string;
declare const __FRESHWIRE_URL__: string;
declare const __LABEL__: string;
