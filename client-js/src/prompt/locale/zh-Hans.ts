/** Chinese, simplified: in the order of the English words. */

export default `
新版本已就绪
您可以在方便时刷新。
立即刷新
稍后
延长时间
时间到后，页面将自动刷新。
安全更新已就绪
此版本存在已知的安全问题。
原因：{reason}
因“{holds}”而等待，最长 {time}。
未保存的输入
仍要刷新
请稍候…
此处暂时无法更新，我们会继续尝试。
页面更新失败
您可以继续使用。如有异常，请重新打开此标签页。
关闭
时间到后，页面会因“{holds}”而等待，最长 {time}。
已恢复到之前的版本`;
