/** The two channels between the window and the main process. */
export const askChannel = 'shoal:ask'
export const eventChannel = 'shoal:event'
