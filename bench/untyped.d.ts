declare module 'split2'
declare module 'ws'
