/** Chinese, traditional: in the order of the English words. */

export default `
新版本已就緒
您可以在方便時重新整理。
立即重新整理
稍後
延長時間
時間到後，頁面會自動重新整理。
安全性更新已就緒
此版本有已知的安全性問題。
原因：{reason}
因「{holds}」而等待，最長 {time}。
未儲存的輸入
仍要重新整理
請稍候…
此處暫時無法更新，我們會繼續嘗試。
頁面更新失敗
您可以繼續使用。如有異常，請重新開啟此分頁。
關閉
時間到後，頁面會因「{holds}」而等待，最長 {time}。
已恢復到先前的版本`;
